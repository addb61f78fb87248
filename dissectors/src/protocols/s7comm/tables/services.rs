//! Program invocation services. They have names and no numbers on the wire: a row's code is its place here.

use super::{SERVICE, sub};
use crate::protocols::SubFunctionRow;
use crate::transaction::Access;

/// All that are known.
pub const SERVICES: [SubFunctionRow; 65] = [
    sub(SERVICE, None, 1, "P_PROGRAM", Access::Mode), // Starts the program (cold or warm)
    sub(SERVICE, None, 2, "_INSE", Access::Program),  // Activates a block that was loaded
    sub(SERVICE, None, 3, "_DELE", Access::Program),  // Deletes a block
    sub(SERVICE, None, 4, "_MODU", Access::Program),  // Copies the work memory into the load memory
    sub(SERVICE, None, 5, "_GARB", Access::Program),  // Compresses the memory
    sub(SERVICE, None, 6, "_N_LOGIN_", Access::Configure), // Logs on to the numerical control
    sub(SERVICE, None, 7, "_N_LOGOUT", Access::Session), // Logs off from the numerical control
    sub(SERVICE, None, 8, "_N_CANCEL", Access::Configure), // Cancels an alarm of the numerical control
    sub(SERVICE, None, 9, "_N_DASAVE", Access::Program), // Copies data to the permanent memory
    sub(SERVICE, None, 10, "_N_DIGIOF", Access::Configure), // Switches the display off
    sub(SERVICE, None, 11, "_N_DIGION", Access::Configure), // Switches the display on
    sub(SERVICE, None, 12, "_N_DZERO_", Access::Program), // Sets all tool numbers to 0
    sub(SERVICE, None, 13, "_N_ENDEXT", Access::Configure), // Ends an external program
    sub(SERVICE, None, 14, "_N_F_OPER", Access::Configure), // Opens a file for reading
    sub(SERVICE, None, 15, "_N_OST_OF", Access::Configure), // Switches overstoring off
    sub(SERVICE, None, 16, "_N_OST_ON", Access::Configure), // Switches overstoring on
    sub(SERVICE, None, 17, "_N_SCALE_", Access::Configure), // Sets the unit of measurement
    sub(SERVICE, None, 18, "_N_SETUFR", Access::Write), // Activates user frames
    sub(SERVICE, None, 19, "_N_STRTLK", Access::Mode), // Global start inhibit
    sub(SERVICE, None, 20, "_N_STRTUL", Access::Mode), // Lifts the global start inhibit
    sub(SERVICE, None, 21, "_N_TMRASS", Access::Configure), // Resets the active state
    sub(SERVICE, None, 22, "_N_F_DELE", Access::Program), // Deletes a file
    sub(SERVICE, None, 23, "_N_EXTERN", Access::Program), // Selects a program for external execution
    sub(SERVICE, None, 24, "_N_EXTMOD", Access::Program), // Selects a program for external execution
    sub(SERVICE, None, 25, "_N_F_DELR", Access::Program), // Deletes a file, without access rights
    sub(SERVICE, None, 26, "_N_F_XFER", Access::Program), // Selects a file for upload
    sub(SERVICE, None, 27, "_N_LOCKE_", Access::Configure), // Locks a file for editing
    sub(SERVICE, None, 28, "_N_SELECT", Access::Mode), // Selects a program for execution
    sub(SERVICE, None, 29, "_N_SRTEXT", Access::Program), // Marks a file as extern
    sub(SERVICE, None, 30, "_N_F_CLOS", Access::Configure), // Closes a file
    sub(SERVICE, None, 31, "_N_F_OPEN", Access::Configure), // Opens a file
    sub(SERVICE, None, 32, "_N_F_SEEK", Access::Configure), // Sets the position in a file
    sub(SERVICE, None, 33, "_N_ASUP__", Access::Mode), // Assigns an interrupt
    sub(SERVICE, None, 34, "_N_CHEKDM", Access::Configure), // Checks uniqueness of duplo numbers
    sub(SERVICE, None, 35, "_N_CHKDNO", Access::Configure), // Checks D numbers
    sub(SERVICE, None, 36, "_N_CONFIG", Access::Configure), // Reconfigures machine data
    sub(SERVICE, None, 37, "_N_CRCEDN", Access::Program), // Creates a cutting edge
    sub(SERVICE, None, 38, "_N_DELECE", Access::Program), // Deletes a cutting edge
    sub(SERVICE, None, 39, "_N_CREACE", Access::Program), // Creates a cutting edge
    sub(SERVICE, None, 40, "_N_CREATO", Access::Program), // Creates a tool
    sub(SERVICE, None, 41, "_N_DELETO", Access::Program), // Deletes a tool
    sub(SERVICE, None, 42, "_N_CRTOCE", Access::Program), // Generates a tool with a cutting edge
    sub(SERVICE, None, 43, "_N_DELVAR", Access::Program), // Deletes a variable
    sub(SERVICE, None, 44, "_N_F_COPY", Access::Program), // Copies a file
    sub(SERVICE, None, 45, "_N_F_DMDA", Access::Program), // Deletes the memory of manual input
    sub(SERVICE, None, 46, "_N_F_PROT", Access::Configure), // Changes the protection of a file
    sub(SERVICE, None, 47, "_N_F_RENA", Access::Program), // Renames a file
    sub(SERVICE, None, 48, "_N_FINDBL", Access::Configure), // Starts a block search
    sub(SERVICE, None, 49, "_N_IBN_SS", Access::Mode), // Sets a commissioning switch
    sub(SERVICE, None, 50, "_N_MMCSEM", Access::Configure), // Semaphores of panels
    sub(SERVICE, None, 51, "_N_NCKMOD", Access::Mode), // Sets the mode of the numerical control
    sub(SERVICE, None, 52, "_N_NEWPWD", Access::Configure), // Changes a password
    sub(SERVICE, None, 53, "_N_SEL_BL", Access::Configure), // Selects a block
    sub(SERVICE, None, 54, "_N_SETTST", Access::Configure), // Activates a test
    sub(SERVICE, None, 55, "_N_TMAWCO", Access::Program), // Sets the active wear group
    sub(SERVICE, None, 56, "_N_TMCRTC", Access::Program), // Creates a tool with a duplo number
    sub(SERVICE, None, 57, "_N_TMCRTO", Access::Program), // Creates a tool
    sub(SERVICE, None, 58, "_N_TMFDPL", Access::Configure), // Searches an empty place for loading
    sub(SERVICE, None, 59, "_N_TMFPBP", Access::Configure), // Searches an empty place
    sub(SERVICE, None, 60, "_N_TMGETT", Access::Configure), // Gets a tool's number
    sub(SERVICE, None, 61, "_N_TMMVTL", Access::Program), // Moves a tool
    sub(SERVICE, None, 62, "_N_TMPCIT", Access::Program), // Sets increments of a piece counter
    sub(SERVICE, None, 63, "_N_TMPOSM", Access::Configure), // Positions a magazine or tool
    sub(SERVICE, None, 64, "_N_TRESMO", Access::Configure), // Resets monitoring values
    sub(SERVICE, None, 65, "_N_TSEARC", Access::Configure), // Searches a tool
];
